import { pathToFileURL } from 'node:url';
import Runtime from 'jest-runtime';

/** What stays: evaluated modules by the keys of jest's registries. @type {Map<string, unknown>} */
const modules = new Map();

/** One of jest's registries, a part of which is the same for all test files of the worker. */
class Registry extends Map {
  #tests;

  /** @param {string} tests the address of the folder whose modules each test file has to itself */
  constructor(tests) {
    super();
    this.#tests = tests;
  }

  /** @param {string} key an address, a path (what CommonJS loads) or the name of a part of Node */
  #stays(key) {
    // These two jest makes anew for each file.
    if (key.startsWith('node:')) return key !== 'node:process' && key !== 'node:module';
    if (key.startsWith('file:')) return !key.startsWith(this.#tests);
    return key.startsWith('/') && key.includes('/node_modules/');
  }

  get(key) {
    return this.#stays(key) ? modules.get(key) : super.get(key);
  }
  has(key) {
    return this.#stays(key) ? modules.has(key) : super.has(key);
  }
  set(key, module) {
    if (!this.#stays(key)) return super.set(key, module);
    modules.set(key, module);
    return this;
  }
  delete(key) {
    return this.#stays(key) ? modules.delete(key) : super.delete(key);
  }
}

/**
 * Jest evaluates every module anew for every test file, and V8 warms up to it anew: a third of the processor time of the
 * whole suite. Here the product and its packages are evaluated once by a worker, as in the service itself, where nothing
 * of one connection may stay in a module either; tests and their helpers are each file's own. No test replaces a module.
 */
export default class SharedRuntime extends Runtime {
  constructor(config, ...rest) {
    super(config, ...rest);
    const { registries } = this;
    if (!(registries.esModuleRegistry instanceof Map && registries.moduleRegistry instanceof Map))
      throw new Error('jest-runtime keeps its modules elsewhere than sharedRuntime.mjs knows');
    const tests = pathToFileURL(`${config.rootDir}/test/`).href;
    registries.esModuleRegistry = new Registry(tests);
    registries.moduleRegistry = new Registry(tests);
  }

  teardown() {
    super.teardown();
    // A package that loads a part of itself later does so through the runtime that loaded it.
    this.testState.enterTestCode();
  }
}
