import { pathToFileURL } from 'node:url';
import Runtime from 'jest-runtime';

/** Compiled and evaluated modules of the product and of its packages, by worker. @type {Map<string, unknown>} */
const modules = new Map();

/**
 * What stays from one test file to the next: everything but the tests themselves, their helpers, and what jest makes anew
 * for each file.
 * @param {string} key
 * @param {string} tests
 */
const stays = (key, tests) =>
  key.startsWith('node:')
    ? key !== 'node:process' && key !== 'node:module'
    : (key.startsWith('file:') && !key.startsWith(tests)) || (key.startsWith('/') && key.includes('/node_modules/'));

/** A registry of jest's, the lasting part of which is one for the whole worker. */
class Registry extends Map {
  #tests;

  /** @param {string} tests */
  constructor(tests) {
    super();
    this.#tests = tests;
  }

  get(key) {
    return stays(key, this.#tests) ? modules.get(key) : super.get(key);
  }
  has(key) {
    return stays(key, this.#tests) ? modules.has(key) : super.has(key);
  }
  set(key, module) {
    if (!stays(key, this.#tests)) return super.set(key, module);
    modules.set(key, module);
    return this;
  }
  delete(key) {
    return stays(key, this.#tests) ? modules.delete(key) : super.delete(key);
  }
}

export default class SharedRuntime extends Runtime {
  constructor(config, ...rest) {
    super(config, ...rest);
    const tests = pathToFileURL(`${config.rootDir}/test/`).href;
    this.registries.esModuleRegistry = new Registry(tests);
    this.registries.moduleRegistry = new Registry(tests);
  }

  teardown() {
    super.teardown();
    // Packages that load a part of themselves later do so through the runtime that loaded them.
    this.testState.enterTestCode();
  }
}
