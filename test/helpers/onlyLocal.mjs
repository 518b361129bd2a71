import net from 'node:net';

const LOCAL = new Set(['127.0.0.1', '::1', 'localhost']);

/**
 * Where a socket is told to connect to; null = a path on this machine. `net` hands its arguments on as one list.
 * @param {any[]} args
 * @returns {string | null}
 */
function hostOf(args) {
  const [first, second] = Array.isArray(args[0]) ? args[0] : args;
  if (typeof first !== 'object' || first === null) return typeof second === 'string' ? second : 'localhost';
  return typeof first.path === 'string' ? null : (first.host ?? 'localhost');
}

/** No test reaches another machine: a connection elsewhere is an error at once, whatever opens it. (No machine is called .invalid.) */
export function stayLocal() {
  const connect = Reflect.get(net.Socket.prototype, 'connect');
  net.Socket.prototype.connect = function (...args) {
    const host = hostOf(args);
    if (host !== null && !LOCAL.has(host) && !host.endsWith('.invalid'))
      throw new Error(`a test connects to ${host}: only this machine is allowed`);
    return connect.apply(this, args);
  };
}
