import { type FirstLinkReport, SAMPLE_CLASSES, type SampleClass } from '../../domain/firstLink.ts';
import { codeText } from '../parts/words.ts';
import type { PageContext } from '../context.ts';
import { html, type Html } from '../html.ts';
import { customerHref, facts, number, time } from '../parts/basics.ts';

const SAMPLE_WORDS: Readonly<Record<SampleClass, string>> = {
  matched: 'Find a contact',
  ambiguous: 'Several contacts could be meant',
  creates: 'Get a new contact',
  updates: 'Contacts that would be written',
  identityConflicts: 'The e-mail belongs to another contact',
  alreadyLinked: 'The contact belongs to another customer',
  excluded: 'Left out',
};

/** What going live would do, before anything is written (SPEC §6, first-link report). */
export const firstLinkBody = (ctx: PageContext, report: FirstLinkReport): Html => html`
  <p>
    As of ${time(ctx, report.at, report.connection)}: ${number(report.customers)} customers in Sticky Cards,
    ${number(report.contacts)} contacts in GHL. Nothing was written.
  </p>
  ${report.notes.map((note) => html`<section class="finding warn"><p>${note}</p></section>`)}
  ${facts([
    ['Linked already', number(report.linked)],
    ['Found by customer id', number(report.matched.customerId)],
    ['Found by phone', number(report.matched.phone)],
    ['Found by e-mail', number(report.matched.email)],
    ['Get a new contact', number(report.creates)],
    ['Contact belongs to another', number(report.alreadyLinked)],
    ['Several could be meant', number(report.ambiguous)],
    ['E-mail not sent', number(report.identityConflicts)],
    ['Contacts to be written', number(report.updates)],
    ['Calls of GHL, about', number(report.apiCalls)],
    ['Custom fields to be made', report.fieldsToMake.length === 0 ? 'none' : report.fieldsToMake.join(', ')],
    [
      'Custom fields of a wrong type',
      report.fieldsOfWrongType.length === 0 ? 'none' : report.fieldsOfWrongType.join(', '),
    ],
  ])}
  ${counted('Left out, by reason', report.excluded, (code) => codeText(code)?.title ?? code)}
  ${counted('Values to be written, by field', report.fieldsToWrite)} ${counted('Tags to be added', report.tagsToAdd)}
  ${counted('Tags to be taken off', report.tagsToRemove)}
  <h2>Samples</h2>
  ${SAMPLE_CLASSES.filter((each) => report.samples[each].length > 0).map(
    (each) =>
      html`<details>
        <summary>${SAMPLE_WORDS[each]} (${report.samples[each].length})</summary>
        <ul class="plain">
          ${report.samples[each].map(
            ({ customerId, contactId, why }) =>
              html`<li>
                <a href=${customerHref(report.connection, customerId)}>${customerId}</a>
                ${contactId === null ? null : html` → <code class="id">${contactId}</code>`}
                <span class="mute">${why}</span>
              </li>`,
          )}
        </ul>
      </details>`,
  )}
`;

const counted = (title: string, counts: Readonly<Record<string, number>>, word = (name: string) => name): Html => {
  const entries = Object.entries(counts).toSorted((a, b) => b[1] - a[1]);
  return entries.length === 0
    ? null
    : html`<h2>${title}</h2>
        ${facts(entries.map(([name, count]) => [word(name), number(count)] as const))}`;
};
