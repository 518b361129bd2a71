import type { SimulatedState } from './simulator.ts';
import { TILL_ACTIONS } from './tillActions.ts';
import type { SimulatedCard, SimulatedCustomer, WebhookAttempt } from './types.ts';

const SHOWN_MAX = 200;
const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
const escaped = (text: string): string => text.replaceAll(/[&<>"']/g, (char) => ESCAPES[char] ?? '');
const iso = (ms: number): string => new Date(ms).toISOString().slice(0, 19).replace('T', ' ');

const row = (cells: readonly string[]): string =>
  `<tr>${cells.map((cell) => `<td>${escaped(cell)}</td>`).join('')}</tr>`;
const table = (heads: readonly string[], rows: readonly string[]): string =>
  `<table><thead><tr>${heads.map((head) => `<th scope="col">${head}</th>`).join('')}</tr></thead><tbody>${rows.join('\n')}</tbody></table>`;

const cardLine = (card: SimulatedCard): string => `${card.cardId} (${card.cardType}, ${card.status}, ${card.balance})`;
const customerRow = (customer: SimulatedCustomer, cards: readonly SimulatedCard[]): string =>
  row([
    [customer.firstName, customer.lastName].filter(Boolean).join(' '),
    customer.phone ?? '',
    customer.email ?? '',
    customer.segments.join(', '),
    cards.map(cardLine).join('\n'),
    String(customer.referralCount),
    customer.optIn ? '' : 'opted out',
    customer.customerId,
  ]);

const form = (name: string, fields: readonly string[]): string =>
  `<form method="post" action="/__sim/till/${name}"><b>${name}</b> ${fields
    .map((field) => `<label>${field} <input name="${field}" size="14"></label>`)
    .join(' ')} <button>Do it</button></form>`;

/** The shop in one page: who is there, what a person could do at the till, what was told. All that people typed is escaped. */
export function controlPage(state: SimulatedState, attempts: readonly WebhookAttempt[]): string {
  const customers = state.customers().toReversed();
  const pushes = state.pushes().toReversed().slice(0, 50);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Simulated Sticky Cards</title>
<style>
body { font: 15px/1.4 system-ui, sans-serif; margin: 2rem; }
table { border-collapse: collapse; }
th, td { border-bottom: 1px solid #ccc; padding: .3rem .7rem; text-align: left; vertical-align: top; white-space: pre-line; }
form { margin: .3rem 0; }
</style>
</head>
<body>
<h1>Simulated Sticky Cards</h1>
<p>${Math.min(customers.length, SHOWN_MAX)} of ${customers.length} customers, the newest first. As JSON: <a href="/__sim/customers">customers</a> ·
<a href="/__sim/pushes">pushes</a> · <a href="/__sim/payments">payments</a> · <a href="/__sim/requests">requests</a> ·
<a href="/__sim/webhooks">webhooks</a> · <a href="/__sim/faults">faults</a> · <a href="/__sim/till">till</a></p>
${table(
  ['Name', 'Phone', 'E-mail', 'Segments', 'Cards', 'Referrals', 'Consent', 'Id'],
  customers.slice(0, SHOWN_MAX).map((customer) => customerRow(customer, state.cards(customer.customerId))),
)}
<h2>At the till</h2>
<form method="post" action="/__sim/small-day"><button>Play a small day</button></form>
${Object.entries(TILL_ACTIONS)
  .map(([name, { fields }]) => form(name, fields))
  .join('\n')}
<h2>Pushes</h2>
${table(
  ['Sent', 'Customer', 'Title', 'Message'],
  pushes.map((push) => row([iso(push.sentAtMs), push.customerId, push.title ?? '', push.message])),
)}
<h2>Webhooks sent</h2>
${table(
  ['Event', 'Answered', 'Body'],
  attempts
    .slice(-30)
    .toReversed()
    .map((attempt) => row([attempt.type, String(attempt.status || 'nobody'), JSON.stringify(attempt.body)])),
)}
</body>
</html>
`;
}
