import { type ReactNode, useEffect } from 'react';
import classes from './page-head.module.css';

/** The page's one heading, its title in the browser, and what belongs beside it. */
export function PageHead(props: {
  readonly title: string;
  readonly lead?: ReactNode;
  readonly children?: ReactNode;
}) {
  const { title } = props;
  useEffect(() => {
    document.title = `${title} · paycrawl`;
  }, [title]);
  return (
    <header className={classes.head}>
      <div>
        <h1 className={classes.title}>{title}</h1>
        {props.lead !== undefined && <p className={classes.lead}>{props.lead}</p>}
      </div>
      {props.children !== undefined && <div className={classes.aside}>{props.children}</div>}
    </header>
  );
}
