import type { Session } from '../store/sessions.ts';
import type { Html } from './html.ts';

/** What every page knows of whoever looks at it. */
export interface PageContext {
  user: Session['user'];
  /** Only operators press buttons. */
  mayWrite: boolean;
  csrf: string;
  /** Path and query of this page: where a button leads back to. */
  url: string;
  query: Readonly<Record<string, string>>;
  nowMs: number;
  connectionIds: readonly string[];
  /** IANA name; UTC for what belongs to no connection. */
  zoneOf(connectionId: string | null): string;
}

export const SECTIONS = {
  overview: { path: '/', title: 'Overview' },
  customers: { path: '/customers', title: 'Customers' },
  problems: { path: '/problems', title: 'Problems' },
  commands: { path: '/commands', title: 'Commands' },
  runs: { path: '/runs', title: 'Runs' },
  inbox: { path: '/inbox', title: 'Inbox' },
  connections: { path: '/connections', title: 'Connections' },
  settings: { path: '/settings', title: 'Field map' },
  audit: { path: '/audit', title: 'Audit log' },
} as const;
export type Section = keyof typeof SECTIONS;

export interface Page {
  title: string;
  section: Section;
  /** Above the heading: where this page belongs. */
  trail?: { href: string; text: string }[];
  body: Html;
  /** Names of scripts under `/assets/`, beside the one that every page has. */
  scripts?: readonly string[];
  styles?: readonly string[];
  status?: number;
}
