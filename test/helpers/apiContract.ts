import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormatsModule, { type FormatsPlugin } from 'ajv-formats';

const addFormats = addFormatsModule as unknown as FormatsPlugin;

interface Response {
  content?: Record<string, { schema: object }>;
}
export interface ApiDocument {
  paths: Record<string, Record<string, { responses: Record<string, Response>; parameters?: { name: string }[] }>>;
  components: { schemas: Record<string, object> };
}

/** Holds real answers against `/openapi.json`. */
export class ApiContract {
  readonly document: ApiDocument;
  /** `get /api/runs 200` of every answer that was checked. */
  readonly seen = new Set<string>();
  readonly #ajv: Ajv2020;
  readonly #compiled = new Map<string, ValidateFunction>();

  constructor(document: ApiDocument) {
    this.document = document;
    this.#ajv = new Ajv2020({ strict: false, allErrors: true });
    addFormats(this.#ajv);
    this.#ajv.addSchema(document, 'api');
  }

  /** What is wrong with an answer, in words; empty = it is what the document promises. */
  check(method: string, path: string, status: number, contentType: string, body: unknown): string[] {
    const found = Object.keys(this.document.paths).find(
      (template) =>
        new RegExp(`^${template.replace(/\{\w+\}/g, '[^/]+')}$`).test(path) && this.#knows(template, method),
    );
    if (found === undefined) return [`${method} ${path}: is not in the document`];
    const type = contentType.split(';')[0] ?? '';
    const response = this.document.paths[found]?.[method]?.responses[String(status)];
    if (!response) return [`${method} ${found}: ${status} is not in the document`];
    this.seen.add(`${method} ${found} ${status}`);
    if (response.content === undefined) return [];
    if (response.content[type] === undefined) return [`${method} ${found} ${status}: ${type} is not in the document`];
    if (!type.includes('json')) return [];
    const part = (text: string) => encodeURIComponent(text.replaceAll('~', '~0').replaceAll('/', '~1'));
    const pointer = `api#/paths/${part(found)}/${method}/responses/${status}/content/${part(type)}/schema`;
    let validate = this.#compiled.get(pointer);
    if (!validate) {
      validate = this.#ajv.compile({ $ref: pointer });
      this.#compiled.set(pointer, validate);
    }
    if (validate(body)) return [];
    return (validate.errors ?? []).map(
      ({ instancePath, message, params }) =>
        `${method} ${found} ${status} ${instancePath}: ${message ?? ''} ${JSON.stringify(params)}`,
    );
  }

  #knows(template: string, method: string): boolean {
    return this.document.paths[template]?.[method] !== undefined;
  }
}
