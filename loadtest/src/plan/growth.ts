/** What grows with what, and which bench asks; the answers are in the output of the bench. */
export const growthRows: readonly (readonly string[])[] = [
  [
    'paid crawls',
    'processor time and records in proportion, at most 6 records each',
    '`npm run bench:steps`: sum of the steps and what they leave unexplained',
  ],
  [
    'payers',
    'state of the verifier in the local store, an account each and a nonce for each crawl that is remembered; the work for a crawl stays the same, since a proof looks up its own payer and nonce only',
    '`npm run bench:start`: a start, a hold and a payer among a million; `npm run bench -- --first-proofs`: each costs an observation of funds',
  ],
  [
    'partitions',
    'nothing for a crawl; each partition costs a timer, a commit and a checkpoint of its own, so an idle platform pays for them',
    '`npm run bench -- --kafka`: processor time when nobody crawls',
  ],
  [
    'publishers',
    'price books in the memory of each ingress; rules are found by their first path segment, so the work for a request grows with the rules that share one',
    '`npm run bench:steps`: rows of path and price rule',
  ],
  [
    'history',
    'the log on disk; a start begins at the last checkpoint and not at the beginning; roll-ups grow with hours, crawlers and paths and not with crawls',
    '`npm run bench:replay`: into the admission fold and into ClickHouse; `npm run bench`: a publisher’s month out of ten million facts; `npm run bench:revenue`: out of 100 million',
  ],
];
