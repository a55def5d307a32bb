/** What the engine and the workbench say to each other: one JSON line each way, one after the other. */

/** What the model is shown of the workspace before it is asked. */
export interface SurveyRequest {
  op: 'survey';
  /** Relative to the workspace, `.` for itself. */
  directory: string;
  /** Files that were asked for, relative to the workspace. */
  files: readonly string[];
  /** Characters of the map, and of all contents together. */
  mapChars: number;
  filesChars: number;
  /** When no file was asked for, the contents of what is below the directory are shown, while there is room; nothing hidden. */
  fill?: boolean;
}

export interface CallRequest {
  op: 'call';
  directory: string;
  tool: ToolName;
  /** As the model gave it. */
  input: unknown;
  /** Characters of its output; more is cut, and said so. */
  outputChars: number;
}

export type Request = SurveyRequest | CallRequest;

export const TOOL_NAMES = ['Read', 'List', 'Search', 'Write', 'ApplyPatch'] as const;
export type ToolName = (typeof TOOL_NAMES)[number];

export interface Survey {
  /** Files, and bytes of all of them; `whole` is false when there are more than were counted. */
  entries: number;
  bytes: number;
  whole: boolean;
  map: string;
  files: { path: string; content?: string; problem?: string }[];
}

export interface CallAnswer {
  output: string;
  isError: boolean;
}
