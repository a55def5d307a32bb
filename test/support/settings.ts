/** Whether an environment variable is one that the server reads. */
import { SETTINGS, type SettingName } from '../../src/config/settings.js';

export function isSetting(variable: string): boolean {
  return isSecret(variable.replace(/_FILE$/, '')) || variable in SETTINGS;
}

/** Secrets are given as files where others could read the environment. */
export const isSecret = (name: string): boolean =>
  name in SETTINGS && 'secret' in SETTINGS[name as SettingName];
