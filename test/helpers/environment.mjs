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

/**
 * Node's environment with an ordinary global object. The one that jest makes answers every `Object` or `Date` through an
 * interceptor, which took a third of the time of the whole suite.
 */
export default class Environment extends TestEnvironment {
  constructor(config, context) {
    const { createContext } = vm;
    vm.createContext = () => createContext(vm.constants.DONT_CONTEXTIFY);
    try {
      super(config, context);
      // GHL's files are read and compiled once for all test files, which takes longer than many a test.
      this.global.ghlContract = () => (contract ??= new GhlContract());
    } finally {
      vm.createContext = createContext;
    }
  }
}
