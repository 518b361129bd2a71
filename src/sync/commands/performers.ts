import { createCardCommand } from './createCard.ts';
import { noteCommand } from './note.ts';
import { opportunityCommand } from './opportunity.ts';
import { opportunityLostCommand } from './opportunityLost.ts';
import type { Performer } from './performer.ts';
import { pointsCommand } from './points.ts';
import { pushCommand } from './push.ts';
import { taskCommand } from './task.ts';

/** Who performs what. A new kind of command is a row here. Contacts and customers are made by the jobs of their pairs. */
export const PERFORMERS: readonly Performer[] = [
  createCardCommand,
  noteCommand,
  taskCommand,
  opportunityCommand,
  opportunityLostCommand,
  pushCommand,
  pointsCommand,
];
