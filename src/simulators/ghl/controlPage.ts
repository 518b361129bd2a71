import type { SimulatedContact } from './types.ts';

const escapes: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const escaped = (text: string): string => text.replace(/[&<>"']/g, (char) => escapes[char]!);

function row(contact: SimulatedContact): string {
  const fields = Object.entries(contact.customFields).map(([key, value]) => `${key} = ${JSON.stringify(value)}`);
  const cells = [
    contact.name ?? '',
    contact.phone ?? '',
    contact.email ?? '',
    contact.tags.join(', '),
    fields.join('\n'),
    contact.dnd ? 'DND' : '',
    contact.dateUpdated,
    contact.id,
  ];
  return `<tr>${cells.map((cell) => `<td>${escaped(cell)}</td>`).join('')}</tr>`;
}

/** For a first look at the GHL side of the sandbox; everything that people typed is escaped. */
export function controlPage(contacts: readonly SimulatedContact[], total: number): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Simulated GoHighLevel</title>
<style>
body { font: 15px/1.4 system-ui, sans-serif; margin: 2rem; }
table { border-collapse: collapse; }
th, td { border-bottom: 1px solid #ccc; padding: .3rem .7rem; text-align: left; vertical-align: top; white-space: pre-line; }
code { background: #eee; padding: 0 .2rem; }
</style>
</head>
<body>
<h1>Simulated GoHighLevel</h1>
<p>${contacts.length} of ${total} contacts, the last changed first. Edit one as a person in GHL would:</p>
<p><code>curl -X PATCH -H 'content-type: application/json' -d '{"customFields":{"bonus_points":50}}' …/__sim/contacts/&lt;id&gt;</code></p>
<p>As JSON: <a href="/__sim/contacts">contacts</a> · <a href="/__sim/requests">requests</a> ·
<a href="/__sim/webhooks">webhooks</a> · <a href="/__sim/faults">faults</a> · <a href="/__sim/locations">locations</a></p>
<table>
<thead><tr><th>Name</th><th>Phone</th><th>E-mail</th><th>Tags</th><th>Custom fields</th><th></th><th>Updated</th><th>Id</th></tr></thead>
<tbody>
${contacts.map(row).join('\n')}
</tbody>
</table>
</body>
</html>
`;
}
