import { factsOf, markerOf, taskDueDate, taskText } from '../../domain/commandTexts.ts';
import { ghlOf, linkedContact, onContact, placesToLook, sentTo, unlessGone } from './onContact.ts';
import type { Performer } from './performer.ts';

/** A task on the contact, due the next business day of the location (SPEC §2.3), found again by the marker in its body. */
export const taskCommand: Performer = {
  kinds: ['task'],
  side: 'ghl',
  sendsOnce: true,

  prepare: async (ctx, command) => {
    const linked = await linkedContact(ctx, command);
    return linked.kind === 'contact' ? { kind: 'send', before: { contactId: linked.contactId } } : linked;
  },

  send: (ctx, command, options) => {
    const contactId = sentTo(command) as string;
    const facts = factsOf(command.params);
    const { timeZone } = ctx.locale;
    const { title, body } = taskText(facts, timeZone);
    const dueDate = taskDueDate(facts, timeZone, ctx.store.clock.nowMs());
    return onContact(ctx, contactId, async () => {
      const task = { title, body: `${body}\n${markerOf(command.id)}`, dueDate };
      const answer = await ghlOf(ctx).createTask(contactId, task, options);
      const result = { taskId: answer.task.id, contactId, dueDate };
      return { kind: 'applied', result, contactId, traceId: answer.traceId };
    });
  },

  look: async (ctx, command) => {
    for (const contactId of await placesToLook(ctx, command)) {
      const tasks = await unlessGone(async () => (await ghlOf(ctx).listTasks(contactId, { signal: ctx.signal })).tasks);
      const task = tasks.find(({ body }) => body?.includes(markerOf(command.id)));
      if (task) return { kind: 'there', result: { taskId: task.id, contactId }, contactId };
    }
    return { kind: 'absent' };
  },
};
