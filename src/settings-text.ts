/** Every setting of the server with its default and meaning, for people. */
import { SETTINGS } from './config/settings.js';

export function settingsText(): string {
  const settings = Object.entries(SETTINGS).map(([name, setting]) => {
    const fallback = 'default' in setting && setting.default !== '' ? `  [${setting.default}]` : '';
    return `  ${name}${fallback}\n      ${setting.about}`;
  });
  return [
    'Settings are environment variables; a secret can be given as NAME_FILE, the path of a file that holds it.',
    '',
    ...settings,
    '',
  ].join('\n');
}
