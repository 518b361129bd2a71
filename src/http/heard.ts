/** What became of a delivery at the door. */
export interface HeardDelivery {
  source: string;
  verification: string;
  status: 'accepted' | 'duplicate' | 'rejected' | 'not_stored';
  connection: string;
  type: string;
  /** Of an accepted one or a duplicate. */
  receiptId: string | null;
  /** Of a rejected one: the code of the refusal. */
  reason: string | null;
  /** From the verified delivery to its answer; null = nothing was waited for. */
  tookMs: number | null;
}

/** Told of every delivery after its answer was decided. Must be quick and must not throw: receiving waits for it. */
export type Heard = (delivery: HeardDelivery) => void;
