import { pathToFileURL } from 'node:url';
import Runtime from 'jest-runtime';

/** One of jest's registries, a part of which is the same for all test files of the worker. */
class Registry extends Map {
  #shared;
  #stays;

  /**
   * @param {Map<string, unknown>} shared what stays: evaluated modules by the keys of the registry
   * @param {(key: string) => boolean} stays whether a key is of what stays
   */
  constructor(shared, stays) {
    super();
    this.#shared = shared;
    this.#stays = stays;
  }

  get(key) {
    return this.#stays(key) ? this.#shared.get(key) : super.get(key);
  }
  has(key) {
    return this.#stays(key) ? this.#shared.has(key) : super.has(key);
  }
  set(key, module) {
    if (!this.#stays(key)) return super.set(key, module);
    this.#shared.set(key, module);
    return this;
  }
  delete(key) {
    return this.#stays(key) ? this.#shared.delete(key) : super.delete(key);
  }
}

/** The product and its packages. @type {Map<string, unknown>} */
const modules = new Map();

/** Jest's own, which it keeps apart. @type {Map<string, unknown>} */
const ofJest = new Map();

/** @param {string} key a path. These keep what belongs to one test file on the global object, or in themselves. */
const isStateless = (key) => !/\/(?:jest-circus|expect|jest-runtime)\//.test(key);

/** @param {string} tests the address of the folder whose modules each test file has to itself */
const isOfTheProduct = (tests) => (/** @type {string} an address, a path (CommonJS) or a part of Node */ key) => {
  // These two jest makes anew for each file.
  if (key.startsWith('node:')) return key !== 'node:process' && key !== 'node:module';
  if (key.startsWith('file:')) return !key.startsWith(tests);
  return key.startsWith('/') && key.includes('/node_modules/');
};

/**
 * Jest evaluates every module anew for every test file, and V8 warms up to it anew: a third of the processor time of the
 * whole suite. Here the product and its packages are evaluated once by a worker, as in the service itself, where nothing
 * of one connection may stay in a module either; tests and their helpers are each file's own. No test replaces a module.
 */
export default class SharedRuntime extends Runtime {
  constructor(config, ...rest) {
    super(config, ...rest);
    const { registries } = this;
    const { esModuleRegistry, moduleRegistry, internalModuleRegistry } = registries;
    if (![esModuleRegistry, moduleRegistry, internalModuleRegistry].every((each) => each instanceof Map))
      throw new Error('jest-runtime keeps its modules elsewhere than sharedRuntime.mjs knows');
    const stays = isOfTheProduct(pathToFileURL(`${config.rootDir}/test/`).href);
    registries.esModuleRegistry = new Registry(modules, stays);
    registries.moduleRegistry = new Registry(modules, stays);
    registries.internalModuleRegistry = new Registry(ofJest, isStateless);
  }

  teardown() {
    super.teardown();
    // A package that loads a part of itself later does so through the runtime that loaded it.
    this.testState.enterTestCode();
  }
}
