import { type ActionCall, actionOfType, askedBy, isAction, readActionCall } from '../../domain/actionCall.ts';
import type { OpenAction } from '../../store/idempotency.ts';
import type { Subject } from './context.ts';

/** A call as it lies on disk, read again. */
export interface StoredAction extends Subject {
  /** As in the address; '' when it cannot be read. */
  action: string;
  /** null = its payload is gone or unreadable. */
  call: ActionCall | null;
  /** The row of the inbox shows what became of it; of a "Webhook" action it shows what the fold made of it. */
  ownRow: boolean;
}

/** What a door stored: the body without its secret; the type of the row says which action it was. */
export function readStored({ connectionId, key, createdAt, receiptId, type, payload }: OpenAction): StoredAction {
  const own = actionOfType(type);
  const subject = {
    connectionId,
    key,
    createdAt,
    receiptId: receiptId ?? '',
    // A key that was sent is the call's own name; without one its receipt is.
    sourceEvent: key.startsWith('action:') ? key : `action:${receiptId ?? key}`,
    ownRow: own !== null,
  };
  const body = bodyOf(payload);
  const action = own ?? (body && askedBy(body)) ?? '';
  const call = body && isAction(action) ? readActionCall(action, body, { onlyCustom: own === null }) : null;
  return { ...subject, action, call: call && 'parameters' in call ? call : null };
}

function bodyOf(payload: string | null): Record<string, unknown> | null {
  try {
    const json: unknown = JSON.parse(payload ?? 'null');
    return typeof json === 'object' && json !== null ? (json as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
