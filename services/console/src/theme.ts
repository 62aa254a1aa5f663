import { type CSSVariablesResolver, createTheme, type MantineColorsTuple } from '@mantine/core';

/** Banknote green; white words reach 4.5:1 on shade 7 and on shade 6, the dark scheme's. */
const ledger: MantineColorsTuple = [
  '#eef6f1',
  '#dcece3',
  '#b9d9c8',
  '#92c4ab',
  '#6cb592',
  '#479470',
  '#2f7d5b',
  '#1c5c43',
  '#154a36',
  '#0c3526',
];

const brick: MantineColorsTuple = [
  '#fbefec',
  '#f5dcd6',
  '#ebb7ab',
  '#e2917f',
  '#ea8a79',
  '#c4533f',
  '#b04532',
  '#973624',
  '#7a2a1b',
  '#5c1e12',
];

/** Greys with a breath of green, so that nothing beside the accent looks blue. */
const gray: MantineColorsTuple = [
  '#f6f8f5',
  '#eef2ed',
  '#e3e9e3',
  '#d3dcd5',
  '#bcc8bf',
  '#97a59b',
  '#66756b',
  '#4b5850',
  '#2e3a33',
  '#17211b',
];

const dark: MantineColorsTuple = [
  '#dfe7e1',
  '#b7c3bb',
  '#93a198',
  '#6a786f',
  '#46534b',
  '#323d36',
  '#222a25',
  '#131916',
  '#0e1310',
  '#090d0b',
];

export const theme = createTheme({
  colors: { ledger, brick, gray, dark },
  primaryColor: 'ledger',
  primaryShade: { light: 7, dark: 6 },
  white: '#fdfefc',
  black: '#17211b',
  fontFamily: "'Hanken Grotesk', system-ui, 'Segoe UI', 'Liberation Sans', sans-serif",
  fontFamilyMonospace: "ui-monospace, 'SF Mono', 'Cascadia Mono', 'DejaVu Sans Mono', monospace",
  headings: {
    fontFamily: "Newsreader, 'Iowan Old Style', Georgia, 'Liberation Serif', serif",
    fontWeight: '500',
  },
  defaultRadius: 'sm',
  cursorType: 'pointer',
  respectReducedMotion: true,
});

const tokens = {
  '--mantine-color-body': 'var(--paper)',
  '--mantine-color-text': 'var(--ink)',
  '--mantine-color-dimmed': 'var(--ink-2)',
  '--mantine-color-anchor': 'var(--green)',
  '--mantine-color-default': 'var(--sheet)',
  '--mantine-color-default-border': 'var(--rule)',
  '--mantine-color-default-hover': 'var(--wash)',
  '--mantine-color-placeholder': 'var(--ink-3)',
  '--mantine-color-error': 'var(--brick)',
};

/**
 * Mantine's own variables follow the tokens of console.css, so that there is one palette. Given
 * to both schemes, because there they would otherwise win over those for all.
 */
export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: tokens,
  dark: tokens,
});
