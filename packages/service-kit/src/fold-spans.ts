import type { Attributes, Telemetry } from './telemetry.js';

/** An output of a fold as its runtime tells it: what it is, and which record made it. */
export interface FoldedOutput {
  readonly output: {
    readonly topic: string;
    readonly type: string;
    readonly data: object;
    /** Of the entity that it is about, where the record is about others too; null: none. */
    readonly trace?: string | null | undefined;
  };
  readonly cause: readonly [topic: string, partition: number, offset: number, index: number];
  readonly nowMs: number;
  readonly trace: string | undefined;
}

export interface FoldSpansOptions {
  readonly telemetry: Telemetry;
  readonly service: string;
  clock(): number;
}

/** Bound of the links of one span, as in the specification's default limit. */
const linksMax = 128;
/** Kinds of outputs that a name tells; the attribute has more. */
const namedMax = 3;

/**
 * One span for each record and trace: from the append time of the record to now, so that the time
 * in line shows too. A record that ends the work of several traces (a confirmed batch) makes one
 * span in each of them; the first has links to the others. Folds know nothing of this.
 */
export function createFoldSpans({ telemetry, service, clock }: FoldSpansOptions) {
  return (outputs: readonly FoldedOutput[]): void => {
    let begin = 0;
    for (let end = 1; end <= outputs.length; end++) {
      if (end < outputs.length && outputs[end]?.cause[2] === outputs[begin]?.cause[2]) continue;
      spansOfRecord(outputs.slice(begin, end));
      begin = end;
    }
  };

  function spansOfRecord(outputs: readonly FoldedOutput[]): void {
    const byTrace = groupByTrace(outputs);
    const traces = [...byTrace.keys()];
    for (const [index, [trace, types]] of [...byTrace].entries()) {
      const [first] = outputs;
      if (first === undefined) return;
      const others = index === 0 ? traces.slice(1, 1 + linksMax) : traces.slice(0, 1);
      telemetry.work({
        service,
        name: `${service} ${[...new Set(types)].slice(0, namedMax).join(', ')}`,
        trace,
        startMs: first.nowMs,
        endMs: clock(),
        attributes: attributesOf(first, types),
        ...(others.length === 0 ? {} : { links: others }),
      });
    }
  }
}

function groupByTrace(outputs: readonly FoldedOutput[]): Map<string, string[]> {
  const byTrace = new Map<string, string[]>();
  for (const { output, trace: ofRecord } of outputs) {
    const trace = output.trace === undefined ? ofRecord : output.trace;
    if (trace === undefined || trace === null) continue;
    const types = byTrace.get(trace);
    if (types === undefined) byTrace.set(trace, [output.type]);
    else types.push(output.type);
  }
  return byTrace;
}

/** Where the record stands, so that whoever reads the trace can read the log. */
function attributesOf({ cause }: FoldedOutput, types: readonly string[]): Attributes {
  const [topic, partition, offset] = cause;
  return {
    'messaging.destination.name': topic,
    'messaging.destination.partition.id': String(partition),
    'messaging.kafka.offset': offset,
    'paycrawl.outputs': [...new Set(types)].slice(0, 10).join(','),
  };
}
