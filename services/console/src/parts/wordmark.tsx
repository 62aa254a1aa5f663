import classes from './wordmark.module.css';

export function Wordmark() {
  return (
    <span className={classes.wordmark}>
      <img src="/mark.svg" alt="" width={26} height={26} />
      paycrawl
    </span>
  );
}
