/** What a client says over socket.io, besides a ClaudeCodeRequest. */
import { IsInt, IsOptional, IsString, Matches, Max, MaxLength, Min } from 'class-validator';
import { WITHOUT_NUL } from '../access/id.pipe.js';

export class CancelMessage {
  @IsString()
  @MaxLength(64)
  @Matches(WITHOUT_NUL)
  executionId!: string;
}

export class SubscribeMessage extends CancelMessage {
  /** Only events with a greater number. */
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(Number.MAX_SAFE_INTEGER)
  after: number = 0;
}
