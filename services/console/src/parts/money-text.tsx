import { type Money, partsOf } from '../format/money.js';
import { symbolOf } from '../format/words.js';
import { useSignedIn } from '../session/session-context.js';
import classes from './money-text.module.css';

/** An exact amount: hundredths at full weight, the digits beyond them quieter, then the symbol. */
export function MoneyText(props: { readonly money: Money }) {
  const { session } = useSignedIn();
  const { sign, whole, cents, fine } = partsOf(props.money);
  // Below a hundredth the fine digits are the figure, and nothing in it is quieter.
  const isSmall = whole === '0' && /^[.0]*$/.test(cents);
  return (
    <span className={classes.money}>
      {sign}
      {whole}
      {cents}
      {fine !== '' && <span className={isSmall ? undefined : classes.fine}>{fine}</span>}
      <span className={classes.symbol} data-part="symbol">
        {' '}
        {symbolOf(session.assets, props.money.asset)}
      </span>
    </span>
  );
}

/** One line for each asset; an empty list is an exact zero in the first asset of the session. */
export function MoniesText(props: { readonly monies: readonly Money[] }) {
  const { session } = useSignedIn();
  const [first] = session.assets;
  const zeros =
    first === undefined ? [] : [{ asset: first.asset, amount: '0', decimals: first.decimals }];
  const monies = props.monies.length > 0 ? props.monies : zeros;
  if (monies.length === 0) return <span className={classes.money}>0</span>;
  return monies.map((money) => (
    <span key={money.asset} className={classes.line}>
      <MoneyText money={money} />
    </span>
  ));
}
