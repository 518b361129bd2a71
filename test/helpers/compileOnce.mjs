import vm from 'node:vm';

/** @type {Map<string, { code: string, data: Buffer }>} */
const compiled = new Map();

/**
 * @param {string} name
 * @param {string} code
 */
function dataOf(name, code) {
  const kept = compiled.get(name);
  return kept?.code === code ? kept.data : undefined;
}

/**
 * Each test file has a realm of its own, into which all that it imports is compiled anew: a third of what loading a file
 * takes. From here on each source text is compiled once by a worker.
 */
export function compileOnce() {
  const { SourceTextModule, compileFunction } = vm;

  vm.SourceTextModule = class extends SourceTextModule {
    constructor(code, options = {}) {
      const name = options.identifier ?? '';
      const cachedData = dataOf(name, code);
      super(code, cachedData ? { ...options, cachedData } : options);
      if (!cachedData) compiled.set(name, { code, data: this.createCachedData() });
    }
  };

  vm.compileFunction = (code, params, options = {}) => {
    const name = options.filename ?? '';
    const cachedData = dataOf(name, code);
    const made = compileFunction(code, params, { ...options, cachedData, produceCachedData: !cachedData });
    if (!cachedData && made.cachedData) compiled.set(name, { code, data: made.cachedData });
    return made;
  };
}
