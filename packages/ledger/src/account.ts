import { createHash } from 'node:crypto';

/**
 * The chart of accounts. An account is a purpose and an owner; the asset stands on the
 * transaction, and a total is kept per asset and account.
 */
export type Purpose =
  /** What a payer owes for posted charges. Owner: the payer (CAIP-10). */
  | 'payer_receivable'
  /** What a publisher is to get; debited when paid and when uncollectible (its loss). */
  | 'publisher_payable'
  /** Stands in place of `publisher_payable` for facilitated charges. Owner: the API key. */
  | 'clearing'
  /** In a sealed batch, not yet read back from the chain. Owner: as for the payable. */
  | 'in_flight'
  | 'publisher_fee_receivable'
  | 'fee_income'
  /** What the account of an API key owes for the gas of its charges. Owner: the account. */
  | 'gas_receivable'
  /** What the platform bears. Owner: the network whose own asset paid it. */
  | 'gas_expense'
  /** Owner: the signer's address. */
  | 'signer_wallet';

/** The owner of `fee_income`. */
export const platformOwner = 'platform';

/** Fits the id of an event field, whatever the owner is called. */
export const accountLengthMax = 200;

const plainOwner = /^[A-Za-z0-9._:@-]+$/;

/**
 * `purpose/owner`. Owners are percent-encoded outside a plain set, so that no owner can pose as
 * another account; one that is too long then is replaced by its hash, which begins with `~`, as
 * no encoded owner does.
 */
export function accountOf(purpose: Purpose, owner: string): string {
  const ofPurpose = known.get(purpose) ?? new Map<string, string>();
  if (ofPurpose.size === 0) known.set(purpose, ofPurpose);
  const found = ofPurpose.get(owner);
  if (found !== undefined) return found;
  const account = nameOf(purpose, owner);
  if (ofPurpose.size >= knownMax) ofPurpose.clear();
  ofPurpose.set(owner, account);
  return account;
}

/** The same few owners are named again and again; a name that was made keeps its hash. */
const known = new Map<Purpose, Map<string, string>>();
const knownMax = 10_000;

function nameOf(purpose: Purpose, owner: string): string {
  const account = `${purpose}/${encodeOwner(owner)}`;
  if (account.length <= accountLengthMax) return account;
  return `${purpose}/~${createHash('sha256').update(owner).digest('hex')}`;
}

export function purposeOf(account: string): Purpose {
  return account.slice(0, account.indexOf('/')) as Purpose;
}

/** The side on which the account grows; its balance never lies on the other one. */
export function normalSideOf(purpose: Purpose): 'debit' | 'credit' {
  switch (purpose) {
    case 'payer_receivable':
    case 'in_flight':
    case 'publisher_fee_receivable':
    case 'gas_receivable':
    case 'gas_expense':
      return 'debit';
    case 'publisher_payable':
    case 'clearing':
    case 'fee_income':
    case 'signer_wallet':
      return 'credit';
    default:
      return purpose satisfies never;
  }
}

/** One owner's name inside a key: no `/`, nothing outside printable ASCII. */
export function encodeOwner(owner: string): string {
  if (plainOwner.test(owner)) return owner;
  let encoded = '';
  for (const byte of Buffer.from(owner, 'utf8')) {
    const char = String.fromCharCode(byte);
    encoded += plainOwner.test(char) ? char : `%${byte.toString(16).padStart(2, '0')}`;
  }
  return encoded;
}
