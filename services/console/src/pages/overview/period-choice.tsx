import { SegmentedControl, TextInput } from '@mantine/core';
import { useSearchParams } from 'react-router';
import { type ChosenPeriod, paramsOf, periodTitle, presets, presetTitles } from './period.js';
import classes from './period-choice.module.css';

/** Chooses the period of everything below it; the choice stands in the address. */
export function PeriodChoice(props: { readonly chosen: ChosenPeriod }) {
  const { chosen } = props;
  const [, setParams] = useSearchParams();
  const choose = (value: string) => {
    const preset = presets.find((known) => known === value);
    if (preset !== undefined) setParams(paramsOf(preset), { replace: true });
    else setDates(chosen.first, chosen.last);
  };
  const setDates = (from: string, to: string) => setParams({ from, to }, { replace: true });
  return (
    <div className={classes.bar}>
      <h2 className={classes.title}>{periodTitle(chosen)}</h2>
      {chosen.preset === 'custom' && (
        <div className={classes.dates}>
          <TextInput
            type="date"
            aria-label="First day"
            value={chosen.first}
            max={chosen.last}
            onChange={({ currentTarget: { value } }) => {
              if (value !== '' && value <= chosen.last) setDates(value, chosen.last);
            }}
          />
          <span aria-hidden="true">–</span>
          <TextInput
            type="date"
            aria-label="Last day"
            value={chosen.last}
            min={chosen.first}
            onChange={({ currentTarget: { value } }) => {
              if (value !== '' && value >= chosen.first) setDates(chosen.first, value);
            }}
          />
        </div>
      )}
      <SegmentedControl
        aria-label="Period"
        className={classes.presets ?? ''}
        value={chosen.preset}
        onChange={choose}
        data={[...presets, 'custom' as const].map((value) => ({
          value,
          label: presetTitles[value],
        }))}
      />
    </div>
  );
}
