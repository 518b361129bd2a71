import { IncomingMessage } from 'node:http';

/**
 * A request whose body can be taken straight from the parser. A stream with its buffer, its events and its turns of the
 * event loop costs as much as checking and parsing a delivery; a webhook's body is one chunk that comes with its headers.
 */
export class BodyRequest extends IncomingMessage {
  #take: ((chunk: Buffer | null) => void) | null = null;

  /**
   * From now on every chunk goes to `take`, then null for the end, and nothing to the stream; null gives the rest to the
   * stream again. To be called before anything was read, in the same turn as the request came.
   */
  takeBody(take: ((chunk: Buffer | null) => void) | null): void {
    this.#take = take;
  }

  /** Node empties what was not read once the request is answered: of a taken body nothing is in the stream. */
  override resume(): this {
    return this.#take === null ? super.resume() : this;
  }

  /** What Node's parser calls for each part of a body, and with null at its end. */
  override push(chunk: Buffer | null, encoding?: BufferEncoding): boolean {
    if (this.#take === null) return super.push(chunk, encoding);
    this.#take(chunk);
    return true;
  }
}
