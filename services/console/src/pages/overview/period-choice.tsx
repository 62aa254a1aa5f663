import { SegmentedControl, TextInput } from '@mantine/core';
import { useSearchParams } from 'react-router';
import { isDay } from '../../format/time.js';
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
          <DayField
            name="First day"
            day={chosen.first}
            onDay={(day) => day <= chosen.last && setDates(day, chosen.last)}
          />
          <span aria-hidden="true">–</span>
          <DayField
            name="Last day"
            day={chosen.last}
            onDay={(day) => day >= chosen.first && setDates(chosen.first, day)}
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

/** Before it nothing was ever charged; a year that is half typed reads as one long ago. */
const firstDay = '2020-01-01';

/** Keeps what is typed by itself: a date is typed in parts, and most parts are no day to ask for. */
function DayField(props: {
  readonly name: string;
  readonly day: string;
  readonly onDay: (day: string) => void;
}) {
  return (
    <TextInput
      type="date"
      aria-label={props.name}
      defaultValue={props.day}
      onChange={({ currentTarget: { value } }) => {
        if (isDay(value) && value >= firstDay) props.onDay(value);
      }}
    />
  );
}
