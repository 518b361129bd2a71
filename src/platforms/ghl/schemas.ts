import { z } from 'zod';

// Loose on purpose: unknown properties pass, and only what is used is required (ghl.md §5 to §8). Almost every
// property of a contact may be absent or null; a wrong type of one that we do not need must not lose the answer.

const id = z.string().min(1);
const textOrNull = z.string().nullish();

const customFieldValue = z.looseObject({
  id,
  value: z.unknown().optional(),
  fieldValue: z.unknown().optional(),
  field_value: z.unknown().optional(),
});

const dndSetting = z.looseObject({ status: z.string().nullish(), message: textOrNull, code: textOrNull });

export const contactSchema = z.looseObject({
  id,
  firstName: textOrNull,
  lastName: textOrNull,
  email: textOrNull,
  phone: textOrNull,
  tags: z.array(z.string()).nullish(),
  customFields: z.array(customFieldValue).nullish(),
  dnd: z.boolean().nullish(),
  dndSettings: z.record(z.string(), dndSetting).nullish(),
  dateAdded: z.union([z.string(), z.number()]).nullish(),
  dateUpdated: z.union([z.string(), z.number()]).nullish(),
});
export type ContactBody = z.infer<typeof contactSchema>;

export const contactAnswer = z.looseObject({ contact: contactSchema });
export const duplicateAnswer = z.looseObject({ contact: contactSchema.nullish() });

export const searchAnswer = z.looseObject({
  contacts: z.array(contactSchema.extend({ searchAfter: z.array(z.union([z.string(), z.number()])).nullish() })),
  // `count` in the published files, `total` in reality (ghl.md §11)
  total: z.number().nullish(),
  count: z.number().nullish(),
});

export const tagsAnswer = z.looseObject({ tags: z.array(z.string()).nullish() });

export const bulkTagsAnswer = z.looseObject({
  errorCount: z.number().nullish(),
  responses: z.array(
    z.looseObject({ contactId: id, message: textOrNull, type: textOrNull, tagsAdded: z.array(z.string()).nullish() }),
  ),
});

const note = z.looseObject({ id, body: textOrNull, dateAdded: z.union([z.string(), z.number()]).nullish() });
export const noteAnswer = z.looseObject({ note });
export const notesAnswer = z.looseObject({ notes: z.array(note) });

const task = z.looseObject({
  id,
  title: textOrNull,
  body: textOrNull,
  dueDate: textOrNull,
  completed: z.boolean().nullish(),
});
export const taskAnswer = z.looseObject({ task });
export const tasksAnswer = z.looseObject({ tasks: z.array(task) });

const customField = z.looseObject({
  id,
  name: textOrNull,
  fieldKey: textOrNull,
  dataType: textOrNull,
  model: textOrNull,
});
export const customFieldAnswer = z.looseObject({ customField });
export const customFieldsAnswer = z.looseObject({ customFields: z.array(customField) });

export const locationAnswer = z.looseObject({
  location: z.looseObject({
    id,
    companyId: textOrNull,
    name: textOrNull,
    country: textOrNull,
    timezone: textOrNull,
    settings: z
      .looseObject({ allowDuplicateContact: z.boolean().nullish(), allowDuplicateOpportunity: z.boolean().nullish() })
      .nullish(),
  }),
});

const stage = z.looseObject({ id, name: textOrNull, position: z.number().nullish() });
export const pipelinesAnswer = z.looseObject({
  pipelines: z.array(z.looseObject({ id, name: textOrNull, stages: z.array(stage).nullish() })),
});

const opportunity = z.looseObject({
  id,
  name: textOrNull,
  status: textOrNull,
  pipelineId: textOrNull,
  pipelineStageId: textOrNull,
  contactId: textOrNull,
  monetaryValue: z.number().nullish(),
});
export const opportunityAnswer = z.looseObject({ opportunity });
export const opportunitiesAnswer = z.looseObject({ opportunities: z.array(opportunity) });

export type GhlNote = z.infer<typeof note>;
export type GhlTask = z.infer<typeof task>;
export type GhlCustomField = z.infer<typeof customField>;
export type GhlLocation = z.infer<typeof locationAnswer>['location'];
export type GhlPipeline = z.infer<typeof pipelinesAnswer>['pipelines'][number];
export type GhlOpportunity = z.infer<typeof opportunity>;
