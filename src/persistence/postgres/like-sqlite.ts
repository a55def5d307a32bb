/** Makes the columns of PostgreSQL hold and compare what those of SQLite do. */
import { type ColumnDefinitionNode, OperationNodeTransformer, type QueryId, RawNode } from 'kysely';
import type {
  KyselyPlugin,
  PluginTransformQueryArgs,
  PluginTransformResultArgs,
  QueryResult,
  RootOperationNode,
  UnknownRow,
} from 'kysely';

/**
 * For migrations. Every text column they make is one of the collation "C": ids are in the order of their time, and pages begin
 * where the one before ended, only when both engines sort alike; one collation everywhere, because columns of two cannot be
 * compared at all. Every whole number has 64 bits: PostgreSQL refuses to compare a shorter one with what a reader may name
 * (`?after=9007199254740991`).
 */
export class LikeSqlite implements KyselyPlugin {
  private readonly transformer = new Columns();

  transformQuery({ node, queryId }: PluginTransformQueryArgs): RootOperationNode {
    return this.transformer.transformNode(node, queryId);
  }

  transformResult({ result }: PluginTransformResultArgs): Promise<QueryResult<UnknownRow>> {
    return Promise.resolve(result);
  }
}

/** What a migration asks for → what PostgreSQL makes. */
const OWN: Partial<Record<string, string>> = { text: 'text collate "C"', integer: 'bigint' };

class Columns extends OperationNodeTransformer {
  protected override transformColumnDefinition(
    node: ColumnDefinitionNode,
    queryId?: QueryId,
  ): ColumnDefinitionNode {
    const column = super.transformColumnDefinition(node, queryId);
    const { dataType } = column;
    const own = 'dataType' in dataType ? OWN[String(dataType.dataType)] : undefined;
    return own === undefined ? column : { ...column, dataType: RawNode.createWithSql(own) };
  }
}
