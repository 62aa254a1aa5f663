/** The environment that children of a bench or an audit start with. */
export function childEnvironment(): Record<string, string> {
  const entries = Object.entries(process.env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  return { LOG_LEVEL: 'warn', ...Object.fromEntries(entries) };
}
