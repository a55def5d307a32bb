/** What a client says over socket.io, besides a ClaudeCodeRequest. */
import { IsInt, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator';

export class CancelMessage {
  @IsString()
  @MaxLength(64)
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
