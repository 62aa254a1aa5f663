import cliProgress from 'cli-progress';

/** Progress on stderr: bars on a terminal, a line per finished step elsewhere. */
export interface Progress {
  begin(name: string, total: number): Step;
  stop(): void;
}

export interface Step {
  increment(): void;
  update(value: number, total: number): void;
  end(): void;
}

const nameWidth = 16;

export function showProgress(): Progress {
  return process.stderr.isTTY ? bars() : lines();
}

function bars(): Progress {
  const format = ' {name} [{bar}] {value}/{total}';
  const multi = new cliProgress.MultiBar({ format, hideCursor: true }, cliProgress.Presets.rect);
  return {
    begin(name, total) {
      const bar = multi.create(total, 0, { name: name.padEnd(nameWidth) });
      return {
        increment: () => bar.increment(),
        update: (value, newTotal) => {
          bar.setTotal(newTotal);
          bar.update(value);
        },
        end: () => bar.stop(),
      };
    },
    stop: () => multi.stop(),
  };
}

function lines(): Progress {
  return {
    begin(name, total) {
      let done = 0;
      let most = total;
      return {
        increment: () => {
          done += 1;
        },
        update: (value, newTotal) => {
          done = value;
          most = newTotal;
        },
        end: () => void process.stderr.write(` ${name.padEnd(nameWidth)} ${done}/${most}\n`),
      };
    },
    stop: () => {},
  };
}
