import vm from 'node:vm';
import { TestEnvironment } from 'jest-environment-node';
import { cheapPasswords } from './cheapPasswords.mjs';
import { compileOnce } from './compileOnce.mjs';
import { stayLocal } from './onlyLocal.mjs';
import { GhlContract } from './openapi.ts';

// Once for each worker, and not in a test file's own realm: Node's modules are shared by them all.
stayLocal();
compileOnce();
cheapPasswords();

/** @type {GhlContract | undefined} */
let contract;

/** @type {Environment | undefined} */
let only;

/**
 * Node's environment with an ordinary global object, one for all test files of a worker. The one that jest makes answers
 * every `Object` or `Date` through an interceptor, which took a third of the time of the whole suite.
 */
export default class Environment extends TestEnvironment {
  /** What every test file finds. */
  #keys = new Set();
  #env = {};

  constructor(config, context) {
    if (only) return only;
    const { createContext } = vm;
    vm.createContext = () => createContext(vm.constants.DONT_CONTEXTIFY);
    try {
      super(config, context);
    } finally {
      vm.createContext = createContext;
    }
    const { global } = this;
    // GHL's files are read and compiled once for all test files, which takes longer than many a test.
    global.ghlContract = () => (contract ??= new GhlContract());
    this.#keys = new Set(Reflect.ownKeys(global));
    this.#env = { ...global.process.env };
    only = this;
  }

  /** What one file left on the global object or in the environment variables is not there for the next. */
  async teardown() {
    const { global } = this;
    for (const key of Reflect.ownKeys(global)) if (!this.#keys.has(key)) Reflect.deleteProperty(global, key);
    const { env } = global.process;
    for (const name of Object.keys(env)) if (!(name in this.#env)) delete env[name];
    Object.assign(env, this.#env);
  }
}
