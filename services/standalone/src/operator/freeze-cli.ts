import { fail } from '@paycrawl/errors/paycrawl-error';
import { runCommand, withLog } from './command.js';
import { freeze } from './freeze.js';

// `npm run freeze` and `npm run unfreeze`: the first argument tells which.
const [verb = 'freeze', ...argv] = process.argv.slice(2);
const isFrozen = verb === 'freeze';

const effects = isFrozen
  ? `  payer      its new payments are refused; what was accepted is delivered, charged and settled
  publisher  nothing is sold for it any more, also not on old quotes; what was accepted settles
  signer     its lane seals no new batch; sealed ones go on to their end, new charges wait`
  : `  payer      its payments are taken again
  publisher  its pages are sold again
  signer     its lane seals again, beginning with the charges that waited`;

const usage = `usage: npm run ${verb} -- payer|publisher|signer <id> [--reason <text>] [--unknown]

Writes an event into the log; it takes effect where it is read, within a second, and a replay knows
when. The platform may run or not. The log is that of EVENT_LOG and KAFKA_BROKERS, or LMDB in
DATA_DIR.

${effects}

  payer <id>      eip155:<chain id>:0x…, or the address alone where there is one network
  publisher <id>  the id in the registry, or, with --unknown, the account of an API key
  signer <id>     the address of a signer

  --reason <text>  why; stands in the event
  --unknown        also a publisher that the registry does not know

exit code 0: it stands in the log · 1: refused, nothing was written · 2: called wrongly
`;

await runCommand(
  {
    usage,
    options: { reason: 'string', unknown: 'boolean' },
    async run({ positionals, option, isSet }) {
      const [kind, id, ...rest] = positionals;
      if (kind === undefined || id === undefined || rest.length > 0) {
        throw fail('operator_usage', 'what and which one?');
      }
      const wish = {
        ...{ isFrozen, kind, id, reason: option('reason') ?? 'by the operator' },
        ...{ isUnknownAllowed: isSet('unknown'), nowMs: Date.now() },
      };
      const done = await withLog((log) => freeze(log, wish));
      const places = done.written.map((one) => `${one.topic}[${one.partition}]:${one.offset}`);
      return [`${kind} ${done.id} is ${isFrozen ? 'frozen' : 'free'} from ${places.join(' ')}`];
    },
  },
  argv,
);
