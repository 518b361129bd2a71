import { factsOf, markerOf, noteText } from '../../domain/commandTexts.ts';
import { ghlOf, linkedContact, onContact, placesToLook, sentTo, unlessGone } from './onContact.ts';
import type { Performer } from './performer.ts';

/** A note on the contact (SPEC §2.3), found again by the marker in its body. */
export const noteCommand: Performer = {
  kinds: ['note'],
  side: 'ghl',
  sendsOnce: true,

  prepare: async (ctx, command) => {
    const linked = await linkedContact(ctx, command);
    return linked.kind === 'contact' ? { kind: 'send', before: { contactId: linked.contactId } } : linked;
  },

  send: (ctx, command, options) => {
    const contactId = sentTo(command) as string;
    const text = noteText(factsOf(command.params), ctx.locale.timeZone);
    return onContact(ctx, contactId, async () => {
      const body = `${text}\n${markerOf(command.id)}`;
      const answer = await ghlOf(ctx).createNote(contactId, { body }, options);
      return { kind: 'applied', result: { noteId: answer.note.id, contactId }, contactId, traceId: answer.traceId };
    });
  },

  look: async (ctx, command) => {
    for (const contactId of await placesToLook(ctx, command)) {
      const notes = await unlessGone(async () => (await ghlOf(ctx).listNotes(contactId, { signal: ctx.signal })).notes);
      const note = notes.find(({ body }) => body?.includes(markerOf(command.id)));
      if (note) return { kind: 'there', result: { noteId: note.id, contactId }, contactId };
    }
    return { kind: 'absent' };
  },
};
