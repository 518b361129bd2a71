import type { CallOptions } from '../callApi.ts';
import { type GhlCalls, made } from './call.ts';
import * as s from './schemas.ts';

/** Notes and tasks of a contact (ghl.md §5). */
export function noteCalls({ call }: GhlCalls) {
  return {
    listNotes: (contactId: string, options: CallOptions = {}) =>
      call(
        { method: 'GET', path: '/contacts/{id}/notes', params: { id: contactId }, schema: s.notesAnswer, ...options },
        ({ notes }) => ({ notes }),
      ),

    createNote: (contactId: string, note: { body: string }, options: CallOptions = {}) =>
      call(
        {
          method: 'POST',
          path: '/contacts/{id}/notes',
          params: { id: contactId },
          body: { body: note.body },
          schema: s.noteAnswer,
          ...options,
        },
        made(s.noteAnswer, (data) => ({ note: data.note })),
      ),

    listTasks: (contactId: string, options: CallOptions = {}) =>
      call(
        { method: 'GET', path: '/contacts/{id}/tasks', params: { id: contactId }, schema: s.tasksAnswer, ...options },
        ({ tasks }) => ({ tasks }),
      ),

    /** `dueDate` in ISO 8601. */
    createTask: (
      contactId: string,
      task: { title: string; body: string; dueDate: string },
      options: CallOptions = {},
    ) =>
      call(
        {
          method: 'POST',
          path: '/contacts/{id}/tasks',
          params: { id: contactId },
          body: { title: task.title, body: task.body, dueDate: task.dueDate, completed: false },
          schema: s.taskAnswer,
          ...options,
        },
        made(s.taskAnswer, (data) => ({ task: data.task })),
      ),
  };
}
