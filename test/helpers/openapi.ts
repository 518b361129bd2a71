import { readdirSync, readFileSync } from 'node:fs';
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import addFormatsModule, { type FormatsPlugin } from 'ajv-formats';

/** One request and its answer, as the simulator's journal keeps them. */
export interface ContractExchange {
  method: string;
  path: string;
  query?: Record<string, string>;
  headers?: Record<string, string>;
  body?: unknown;
  status?: number;
  responseBody?: unknown;
}

/** A schema that is wrong in the files: what stands at the pointer is replaced. */
interface Correction {
  schema: string;
  becomes: unknown;
  reason: string;
}

/** A finding that is none: GHL does so, the files do not say so. */
interface Tolerance {
  /** `METHOD /path` as in the file, or `*`. */
  operation: string;
  part: 'request' | 'response';
  /** Regular expression over the whole message. */
  error: string;
  reason: string;
}

interface Parameter {
  name: string;
  in: string;
  required?: boolean;
  schema?: object;
}
type Content = Record<string, { schema?: object }>;
interface Operation {
  parameters?: Parameter[];
  requestBody?: { required?: boolean; content?: Content };
  responses?: Record<string, { content?: Content }>;
}
interface Route {
  method: string;
  path: string;
  pattern: RegExp;
  operation: Operation;
  /** JSON pointer of the operation, with its file. */
  at: string;
}

const fixtures = new URL('../fixtures/ghl-openapi/', import.meta.url);
const readJson = (path: string): unknown => JSON.parse(readFileSync(new URL(path, fixtures), 'utf8'));
const jsonFilesIn = (folder: string): string[] =>
  readdirSync(new URL(folder, fixtures))
    .filter((name) => name.endsWith('.json'))
    .map((name) => `${folder}${name}`);

/** Puts the corrected schema where the wrong one stood; the place that it stands in must be there. */
function correct(document: unknown, { schema, becomes }: Correction): void {
  const path = schema.slice(schema.indexOf('#/') + 2).split('/');
  const last = path.pop()!;
  let node = document as Record<string, unknown>;
  for (const name of path) {
    if (node[name] === undefined) throw new Error(`exemptions.json: ${schema} is nowhere`);
    node = node[name] as Record<string, unknown>;
  }
  node[last] = becomes;
}

/** OpenAPI 3.0 leaves object schemas open; GHL refuses unknown properties, so the contract closes them. */
function closeObjects(node: unknown): void {
  if (node === null || typeof node !== 'object') return;
  const schema = node as Record<string, unknown>;
  if (schema.type === 'object' && schema.properties && schema.additionalProperties === undefined) {
    schema.additionalProperties = false;
  }
  for (const child of Object.values(node)) closeObjects(child);
}

const pointerPart = (text: string): string => encodeURIComponent(text.replace(/~/g, '~0').replace(/\//g, '~1'));

const patternOf = (path: string): RegExp =>
  new RegExp(
    `^${path
      .replace(/\/$/, '')
      .replace(/\./g, '\\.')
      .replace(/\{[^}]+\}/g, '[^/]+')}/?$`,
  );

function describeError(what: string, { instancePath, message, params }: ErrorObject): string {
  const extra = (params as { additionalProperty?: string }).additionalProperty;
  return `${what}${instancePath} ${message}${extra === undefined ? '' : ` (${extra})`}`;
}

/** Checks exchanges against GHL's published OpenAPI 3.0 files, minus the exemptions listed beside them. */
export class GhlContract {
  readonly #corrections: Correction[] = [];
  readonly #tolerances: Tolerance[] = [];
  readonly #strict = new Ajv({ strict: false, allErrors: true, logger: false });
  /** Queries and headers are text. */
  readonly #coercing = new Ajv({ strict: false, allErrors: true, coerceTypes: true, logger: false });
  readonly #compiled = new Map<string, ValidateFunction>();
  readonly #routes: Route[] = [];

  constructor() {
    for (const exemption of readJson('exemptions.json') as (Correction | Tolerance)[]) {
      if ('schema' in exemption) this.#corrections.push(exemption);
      else this.#tolerances.push(exemption);
    }
    for (const ajv of [this.#strict, this.#coercing]) (addFormatsModule as unknown as FormatsPlugin)(ajv);
    for (const file of [...jsonFilesIn('common/'), ...jsonFilesIn('apps/')]) this.#addFile(file);
    // Literal paths before those with parameters.
    const parameters = (route: Route): number => route.path.split('{').length;
    this.#routes.sort((a, b) => parameters(a) - parameters(b));
  }

  #addFile(file: string): void {
    const document = readJson(file) as {
      components?: { schemas?: object };
      paths?: Record<string, Record<string, Operation>>;
    };
    for (const each of this.#corrections.filter(({ schema }) => schema.startsWith(`${file}#`))) correct(document, each);
    closeObjects(document.components?.schemas);
    const $id = `ghl:///${file}`;
    for (const ajv of [this.#strict, this.#coercing]) ajv.addSchema({ ...document, $id }, $id, false, false);
    for (const [path, operations] of Object.entries(document.paths ?? {})) {
      for (const [method, operation] of Object.entries(operations)) {
        const at = `${$id}#/paths/${pointerPart(path)}/${method}`;
        this.#routes.push({ method: method.toUpperCase(), path, pattern: patternOf(path), operation, at });
      }
    }
  }

  #routeOf(method: string, path: string): Route | undefined {
    return this.#routes.find((route) => route.method === method && route.pattern.test(path));
  }

  #errors(ajv: Ajv, $ref: string, value: unknown, what: string): string[] {
    const key = `${ajv === this.#strict}${$ref}`;
    const validate = this.#compiled.get(key) ?? ajv.compile({ $ref });
    this.#compiled.set(key, validate);
    return validate(value) ? [] : (validate.errors ?? []).map((error) => describeError(what, error));
  }

  #untolerated(route: Route | undefined, part: Tolerance['part'], errors: string[]): string[] {
    const operation = route && `${route.method} ${route.path}`;
    const concerned = this.#tolerances.filter(
      (each) => each.part === part && (each.operation === '*' || each.operation === operation),
    );
    return errors.filter((error) => !concerned.some((each) => new RegExp(`^${each.error}$`).test(error)));
  }

  /** What is wrong with a request: parameters, unknown query names, the body. */
  request({ method, path, query = {}, headers = {}, body }: ContractExchange): string[] {
    const route = this.#routeOf(method, path);
    if (!route) return this.#untolerated(route, 'request', [`no operation ${method} ${path}`]);
    const { parameters = [], requestBody } = route.operation;
    const errors: string[] = [];
    for (const [i, { name, in: place, required, schema }] of parameters.entries()) {
      if (place === 'path') continue;
      const value = place === 'header' ? headers[name.toLowerCase()] : query[name];
      if (value === undefined && required) errors.push(`${place} ${name} is required`);
      if (value !== undefined && schema) {
        errors.push(...this.#errors(this.#coercing, `${route.at}/parameters/${i}/schema`, value, `${place} ${name}`));
      }
    }
    const known = new Set(parameters.filter((each) => each.in === 'query').map((each) => each.name));
    for (const name of Object.keys(query)) if (!known.has(name)) errors.push(`query ${name} is not in the contract`);

    const [type] = Object.keys(requestBody?.content ?? {});
    if (body === undefined && requestBody?.required) errors.push('body is required');
    else if (body !== undefined && type === undefined) errors.push('a body is not in the contract');
    else if (body !== undefined && type !== undefined) {
      const at = `${route.at}/requestBody/content/${pointerPart(type)}/schema`;
      errors.push(...this.#errors(this.#strict, at, body, 'body'));
    }
    return this.#untolerated(route, 'request', errors);
  }

  /** What is wrong with an answer: its status, its body. */
  response({ method, path, status = 0, responseBody }: ContractExchange): string[] {
    const route = this.#routeOf(method, path);
    if (!route) return this.#untolerated(route, 'response', [`no operation ${method} ${path}`]);
    const response = route.operation.responses?.[status];
    if (!response) return this.#untolerated(route, 'response', [`status ${status} is not in the contract`]);
    if (!response.content?.['application/json']?.schema) return [];
    const at = `${route.at}/responses/${status}/content/${pointerPart('application/json')}/schema`;
    return this.#untolerated(route, 'response', this.#errors(this.#strict, at, responseBody, 'response'));
  }

  /** An answer must always fit; a request only when it was accepted (a refused one is refused for not fitting). */
  exchange(exchange: ContractExchange): string[] {
    const accepted = exchange.status !== undefined && exchange.status >= 200 && exchange.status < 300;
    const errors = [...(accepted ? this.request(exchange) : []), ...this.response(exchange)];
    return errors.map((error) => `${exchange.method} ${exchange.path} ${exchange.status}: ${error}`);
  }
}

/** What is wrong with a webhook body by GHL's schema of its type; the envelope of ghl.md §9.1 is not in those. */
export function webhookErrors(body: Record<string, unknown>): string[] {
  const { appId: _app, versionId: _version, timestamp: _time, webhookId: _id, ...event } = body;
  const schema = readJson(`webhooks/${String(event.type)}.schema.json`) as Record<string, unknown>;
  closeObjects(schema);
  const ajv = new Ajv({ strict: false, allErrors: true, logger: false });
  const validate = ajv.compile(schema);
  return validate(event) ? [] : (validate.errors ?? []).map((error) => describeError('webhook', error));
}
