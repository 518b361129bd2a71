import vm from 'node:vm';
import { TestEnvironment } from 'jest-environment-node';
import { cheapPasswords } from './cheapPasswords.mjs';
import { compileOnce } from './compileOnce.mjs';
import { stayLocal } from './onlyLocal.mjs';

// Once for each worker, and not in a test file's own realm: Node's modules are shared by them all.
stayLocal();
compileOnce();
cheapPasswords();

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
    } finally {
      vm.createContext = createContext;
    }
  }
}
