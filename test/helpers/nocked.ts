import { afterAll, afterEach } from '@jest/globals';
import nock from 'nock';

// Importing it patches node:http, which every test file of a worker shares and each request then pays for: only the
// files that import this one have it, and take it off again.
if (!nock.isActive()) nock.activate();
nock.disableNetConnect();
nock.enableNetConnect(/^(127\.0\.0\.1|localhost)(:\d+)?$/);
afterEach(() => nock.cleanAll());
afterAll(() => nock.restore());

export { nock };
