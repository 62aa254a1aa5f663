import { formatInstant } from '../format/time.js';

export function TimeText(props: { readonly at: string; readonly children?: string }) {
  const full = `${formatInstant(props.at)} UTC`;
  return (
    <time dateTime={props.at} title={full}>
      {props.children ?? formatInstant(props.at)}
    </time>
  );
}
