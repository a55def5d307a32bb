/** The text of --help: every setting with its default. */
import { SETTINGS } from './config/settings.js';

export function helpText(): string {
  const settings = Object.entries(SETTINGS).map(([name, setting]) => {
    const fallback = 'default' in setting && setting.default !== '' ? `  [${setting.default}]` : '';
    return `  ${name}${fallback}\n      ${setting.about}`;
  });
  return [
    'Caisson: coding agents as a service.',
    '',
    'Usage: npm start                    with embedded defaults; the model is rehearsed offline',
    '       ANTHROPIC_API_KEY=… npm start         with the real model',
    '       PORT=8080 HOST=0.0.0.0 npm start      for the network (put TLS in front)',
    '',
    'Settings are environment variables; a secret can be given as NAME_FILE, the path of a file that holds it.',
    '',
    ...settings,
    '',
  ].join('\n');
}
