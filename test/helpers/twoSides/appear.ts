import { LOCATION } from '../testApp.ts';
import { addPoints, emailOf, nameOf, newPerson, type Person, phoneOf, SEGMENTS } from './person.ts';
import { tell, type World } from './world.ts';

/** A person appears on one side, or is there on both before either tells anything of them. */
export function appear(world: World, n: number): Person {
  const { t, random } = world;
  const person = newPerson(n, n === 0 ? 'stickycards' : random.pick(['stickycards', 'stickycards', 'ghl', 'both']));
  world.people.push(person);
  const contact = {
    firstName: nameOf(n, 0),
    lastName: nameOf(n, 1),
    email: emailOf(n, 0),
    phone: phoneOf(n, 0),
  };
  const balance = random.int(2000, 6000);
  tell(world, person, `appears, origin ${person.origin}`);
  if (person.origin === 'ghl') {
    person.contactId = t.ghl.ui.createContact(LOCATION, contact).id;
    return person;
  }
  if (person.origin === 'both') {
    person.contactId = t.ghl.seedContacts(LOCATION, [
      { ...contact, ...(random.chance(0.5) ? { lastName: null } : {}), dateAdded: world.clock.nowMs() - 9e9 },
    ])[0] as string;
    const [seeded] = t.stickyCards.seed([{ ...contact, firstName: nameOf(n, 2), cards: [{ balance }] }]);
    person.customerId = seeded?.customerId as string;
    const cardId = t.stickyCards.state.cards(person.customerId)[0]?.cardId as string;
    addPoints(person, cardId, balance);
    t.stickyCards.till.scan(cardId);
    person.untold = true;
    return person;
  }
  person.customerId = t.stickyCards.till.createCustomer(contact).customerId;
  const { cardId } = t.stickyCards.till.issueCard(person.customerId, { balance });
  addPoints(person, cardId, balance);
  if (random.chance(0.7)) t.stickyCards.till.installCard(cardId);
  // Whoever comes first shows that there are such segments.
  if (n === 0) for (const name of SEGMENTS) t.stickyCards.till.linkSegment(person.customerId, name);
  return person;
}

/** The ids that the other side gave, once everything is quiet. */
export function meet(world: World, person: Person): void {
  const { ghl, stickyCards } = world.t;
  if (person.customerId === '') {
    const mine = stickyCards.state.customers().find(({ email }) => email === emailOf(person.n, 0));
    person.customerId = mine?.customerId ?? '';
    for (const card of stickyCards.state.cards(person.customerId)) addPoints(person, card.cardId, 0);
  }
  if (person.contactId === '') {
    const mine = ghl.state.contacts(LOCATION).find(({ email }) => email === emailOf(person.n, 0));
    person.contactId = mine?.id ?? '';
  }
}
