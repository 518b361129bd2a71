/** Where to go on: a path of this service. Anything else, and what leads to signing in or out, becomes the overview. */
export function localPath(text: unknown): string {
  if (typeof text !== 'string' || !/^\/(?![/\\])/.test(text) || !URL.canParse(text, 'http://here')) return '/';
  const { origin, pathname, search } = new URL(text, 'http://here');
  if (origin !== 'http://here' || pathname === '/login' || pathname === '/logout') return '/';
  // Only now: `/.//a.b` begins with one slash, and with two once its dots are resolved.
  if (pathname.startsWith('//')) return '/';
  return `${pathname}${search}`;
}
