import { checkedBody, flag, isoTime, text, type Shape } from './bodyRules.ts';
import { contactOf, created, missing, ok, type Answer, type Call, type Endpoint } from './endpoint.ts';
import { isoOf, newGhlId } from './world.ts';
import { emitNote, emitTask } from './webhookBodies.ts';
import type { SimulatedNote, SimulatedTask } from './types.ts';

const read = ['contacts.readonly'];
const write = ['contacts.write'];

const noteShape: Shape = { userId: text, body: text, title: text, color: text, pinned: flag };
const taskShape: Shape = { title: text, body: text, dueDate: isoTime, completed: flag, assignedTo: text };

/** The list of a contact, made when first asked for. */
function listOf<T>(lists: Map<string, T[]>, contactId: string): T[] {
  const list = lists.get(contactId) ?? [];
  lists.set(contactId, list);
  return list;
}

function noteOf(call: Call): { list: SimulatedNote[]; at: number; note: SimulatedNote } {
  const list = listOf(call.world.notes, contactOf(call).id);
  const at = list.findIndex((note) => note.id === call.params.id);
  const note = list[at];
  if (!note) throw missing('Note', call.params.id ?? '');
  return { list, at, note };
}

function createNote(call: Call): Answer {
  const contact = contactOf(call);
  const body = checkedBody(call.body, noteShape, ['body']) as unknown as Pick<SimulatedNote, 'body'>;
  const note: SimulatedNote = { ...body, id: newGhlId(), contactId: contact.id, dateAdded: call.world.stamp() };
  listOf(call.world.notes, contact.id).push(note);
  emitNote(call.world, 'NoteCreate', note);
  return created({ note });
}

function updateNote(call: Call): Answer {
  const { list, at, note } = noteOf(call);
  const updated: SimulatedNote = { ...note, ...checkedBody(call.body, noteShape) };
  list[at] = updated;
  emitNote(call.world, 'NoteUpdate', updated);
  return ok({ note: updated });
}

function deleteNote(call: Call): Answer {
  const { list, at, note } = noteOf(call);
  list.splice(at, 1);
  emitNote(call.world, 'NoteDelete', note);
  return ok({ succeded: true });
}

function taskOf(call: Call): { list: SimulatedTask[]; at: number; task: SimulatedTask } {
  const list = listOf(call.world.tasks, contactOf(call).id);
  const at = list.findIndex((task) => task.id === call.params.taskId);
  const task = list[at];
  if (!task) throw missing('Task', call.params.taskId ?? '');
  return { list, at, task };
}

/** ISO 8601 in, ISO 8601 in UTC out. */
const withUtcDueDate = (body: Record<string, unknown>): Record<string, unknown> =>
  body.dueDate === undefined ? body : { ...body, dueDate: isoOf(Date.parse(body.dueDate as string)) };

function createTask(call: Call): Answer {
  const contact = contactOf(call);
  const body = withUtcDueDate(checkedBody(call.body, taskShape, ['title', 'dueDate', 'completed']));
  const task: SimulatedTask = {
    ...(body as unknown as Pick<SimulatedTask, 'title' | 'dueDate' | 'completed'>),
    id: newGhlId(),
    contactId: contact.id,
  };
  listOf(call.world.tasks, contact.id).push(task);
  emitTask(call.world, 'TaskCreate', task);
  return created({ task });
}

function changeTask(call: Call, patch: Record<string, unknown>): Answer {
  const { list, at, task } = taskOf(call);
  const updated: SimulatedTask = { ...task, ...withUtcDueDate(patch) };
  list[at] = updated;
  if (updated.completed && !task.completed) emitTask(call.world, 'TaskComplete', updated);
  return ok({ task: updated });
}

function deleteTask(call: Call): Answer {
  const { list, at, task } = taskOf(call);
  list.splice(at, 1);
  emitTask(call.world, 'TaskDelete', task);
  return ok({ succeded: true });
}

export const noteAndTaskEndpoints: Endpoint[] = [
  {
    method: 'get',
    path: '/contacts/:contactId/notes',
    scopes: read,
    handle: (call) => ok({ notes: [...listOf(call.world.notes, contactOf(call).id)] }),
  },
  { method: 'post', path: '/contacts/:contactId/notes', scopes: write, handle: createNote },
  {
    method: 'get',
    path: '/contacts/:contactId/notes/:id',
    scopes: read,
    handle: (call) => ok({ note: noteOf(call).note }),
  },
  { method: 'put', path: '/contacts/:contactId/notes/:id', scopes: write, handle: updateNote },
  { method: 'delete', path: '/contacts/:contactId/notes/:id', scopes: write, handle: deleteNote },
  {
    method: 'get',
    path: '/contacts/:contactId/tasks',
    scopes: read,
    handle: (call) => ok({ tasks: [...listOf(call.world.tasks, contactOf(call).id)] }),
  },
  { method: 'post', path: '/contacts/:contactId/tasks', scopes: write, handle: createTask },
  {
    method: 'get',
    path: '/contacts/:contactId/tasks/:taskId',
    scopes: read,
    handle: (call) => ok({ task: taskOf(call).task }),
  },
  {
    method: 'put',
    path: '/contacts/:contactId/tasks/:taskId',
    scopes: write,
    handle: (call) => changeTask(call, checkedBody(call.body, taskShape)),
  },
  { method: 'delete', path: '/contacts/:contactId/tasks/:taskId', scopes: write, handle: deleteTask },
  {
    method: 'put',
    path: '/contacts/:contactId/tasks/:taskId/completed',
    scopes: write,
    handle: (call) => changeTask(call, checkedBody(call.body, { completed: flag }, ['completed'])),
  },
];
