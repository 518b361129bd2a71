import type { TestApp } from './testApp.ts';

export interface Visit {
  status: number;
  location: string | null;
  text: string;
  headers: Headers;
}

/** A browser without a screen: keeps cookies, follows nothing by itself. */
export class Visitor {
  readonly cookies = new Map<string, string>();
  readonly #t: Pick<TestApp, 'url'>;
  constructor(t: Pick<TestApp, 'url'>) {
    this.#t = t;
  }

  get(path: string, headers: Record<string, string> = {}): Promise<Visit> {
    return this.#ask(path, { headers });
  }

  post(path: string, form: Record<string, string>, headers: Record<string, string> = {}): Promise<Visit> {
    const body = new URLSearchParams(form).toString();
    const type = { 'content-type': 'application/x-www-form-urlencoded' };
    return this.#ask(path, { method: 'POST', body, headers: { ...type, ...headers } });
  }

  /** The token of the forms on a page. */
  async csrf(path: string): Promise<string> {
    return /name="csrf" value="([\w-]+)"/.exec((await this.get(path)).text)?.[1] ?? '';
  }

  async signIn(name: string, password: string, next = '/'): Promise<Visit> {
    return this.post('/login', { csrf: await this.csrf('/login'), name, password, next });
  }

  /** Presses a button of `page`. */
  async press(page: string, action: string, fields: Record<string, string> = {}): Promise<Visit> {
    return this.post(action, { csrf: await this.csrf(page), back: page, ...fields });
  }

  async #ask(path: string, init: { method?: string; body?: string; headers: Record<string, string> }): Promise<Visit> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await fetch(`${this.#t.url}${path}`, {
      ...init,
      redirect: 'manual',
      headers: { accept: 'text/html', ...(cookie && { cookie }), ...init.headers },
    });
    for (const line of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === '') this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
    const text = await answer.text();
    return { status: answer.status, location: answer.headers.get('location'), text, headers: answer.headers };
  }
}
