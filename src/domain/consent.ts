import { z } from 'zod';
import { canonicalTag, type Value } from './canonical.ts';

/** Channels of GHL's `dndSettings`, in its spelling (ghl.md §5.7). */
const CHANNELS = ['Call', 'Email', 'SMS', 'WhatsApp', 'GMB', 'FB'] as const;

const word = z
  .string('write words in quotes, numbers too')
  .trim()
  .min(1, 'a word cannot be empty')
  .transform(canonicalTag);

const consentSchema = z.strictObject({
  /** Words of opt_in_status that opt out. */
  out: z.array(word).min(1, 'name at least one word'),
  /** Words of opt_in_status that opt in. */
  in: z.array(word).min(1, 'name at least one word'),
  /** Whose DND counts besides the DND of the whole contact. */
  channels: z.array(z.enum(CHANNELS, `use ${CHANNELS.join(', ')}`)),
});

export type ConsentWords = z.infer<typeof consentSchema>;

/** Validates `config/consent.json` (SPEC §3.2). Throws an Error whose lines each name the place and the remedy. */
export function parseConsentWords(json: unknown): ConsentWords {
  const parsed = consentSchema.safeParse(json);
  if (!parsed.success)
    throw new Error(
      parsed.error.issues
        .map((issue) => `config/consent.json ${issue.path.join('.') || '(root)'}: ${issue.message}`)
        .join('\n'),
    );
  const both = parsed.data.in.filter((each) => parsed.data.out.includes(each));
  if (both.length > 0)
    throw new Error(
      both.map((each) => `config/consent.json: "${each}" stands under in and under out; remove one`).join('\n'),
    );
  return parsed.data;
}

/** By channel as GHL spells it; `active` and `permanent` mean that its DND is on. */
export type DndSettings = Readonly<Record<string, { status?: string | null | undefined }>>;

/** What a full read of the contact shows. */
export interface ConsentShown {
  /** opt_in_status; null = empty. */
  optIn: Value;
  /** DND of the whole contact; anything but true and false = the answer did not tell. */
  dnd: Value | undefined;
  dndSettings?: DndSettings | null;
}

/** Whether DND is on, the configured channels included; null = the answer did not tell. */
export function dndOn({ dnd, dndSettings }: Omit<ConsentShown, 'optIn'>, words: ConsentWords): boolean | null {
  const channels = words.channels.map((name) => name.toLowerCase());
  const channelOn = Object.entries(dndSettings ?? {}).some(
    ([name, setting]) =>
      channels.includes(name.toLowerCase()) && (setting.status === 'active' || setting.status === 'permanent'),
  );
  if (dnd === true || channelOn) return true;
  return dnd === false ? false : null;
}

type Meaning = 'in' | 'out' | 'empty' | 'unknown';

function meaningOf(optIn: Value, words: ConsentWords): Meaning {
  const text = optIn === null ? '' : canonicalTag(String(optIn));
  if (text === '') return 'empty';
  if (words.out.includes(text)) return 'out';
  return words.in.includes(text) ? 'in' : 'unknown';
}

/**
 * Whether a push may go to this person, by a read just made (SPEC §3.4). `unknown` = no answer, an answer without DND, or
 * a word that nobody explained: no push either.
 */
export function isOptedOut(now: ConsentShown | null, words: ConsentWords): boolean | 'unknown' {
  if (now === null) return 'unknown';
  const dnd = dndOn(now, words);
  const meaning = meaningOf(now.optIn, words);
  if (dnd === true || meaning === 'out') return true;
  return dnd === null || meaning === 'unknown' ? 'unknown' : false;
}

export interface ConsentInput {
  /** Of the link; undefined = not linked yet. `dnd` is what `dndOn` said then. */
  base: { optIn: Value | undefined; dnd: Value | undefined };
  now: ConsentShown;
  words: ConsentWords;
}

export interface ConsentDecision {
  /** true = opt in, false = opt out, null = nothing to tell Sticky Cards. */
  write: boolean | null;
  /** New bases by the key of the link's fields; to be stored only when the write was answered, so that a lost one is planned afresh. */
  rebase: { opt_in_status?: Value; dnd?: boolean };
  /** Told once: the word becomes the base, and only another word says anything. */
  problem?: 'opt_in_unknown';
}

/**
 * What opt_in_status and DND tell Sticky Cards (SPEC §3.2). Opting out takes either of them, at any time, also found at
 * the first link: a person who said no is not written to. Opting in takes an in-word typed after linking while DND is
 * known to be off. DND switched off, and a word deleted, say nothing.
 */
export function decideConsent({ base, now, words }: ConsentInput): ConsentDecision {
  const dnd = dndOn(now, words);
  const meaning = meaningOf(now.optIn, words);
  const rebase: ConsentDecision['rebase'] = {
    ...(now.optIn === base.optIn ? {} : { opt_in_status: now.optIn }),
    ...(dnd === null || dnd === base.dnd ? {} : { dnd }),
  };
  const edited = 'opt_in_status' in rebase;
  const problem = edited && meaning === 'unknown' ? { problem: 'opt_in_unknown' as const } : {};

  if (rebase.dnd === true || (edited && meaning === 'out')) return { write: false, rebase, ...problem };
  if (!edited || meaning !== 'in' || base.optIn === undefined || dnd === true)
    return { write: null, rebase, ...problem };
  // Nobody told whether DND is on: the word waits, with its base, for a read that does.
  return dnd === null ? { write: null, rebase: {} } : { write: true, rebase };
}
