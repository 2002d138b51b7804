/** Tables of a Grist document of schema version 44, as far as a document needs them to be opened. */

export const SCHEMA_VERSION = 44;
/** SQLite's `user_version` of such a document: how Grist stores, as opposed to what. */
export const STORAGE_VERSION = 9;

/** i: integer or reference, t: text, b: boolean, p: position, l: list (text), d: time. */
const TABLES: Readonly<Record<string, string>> = {
  _grist_DocInfo: "docId t, peers t, basketId t, schemaVersion i, timezone t, documentSettings t",
  _grist_Tables: "tableId t, primaryViewId i, summarySourceTable i, onDemand b, rawViewSectionRef i, recordCardViewSectionRef i",
  _grist_Tables_column:
    "parentId i, parentPos p, colId t, type t, widgetOptions t, isFormula b, formula t, label t, description t, untieColIdFromLabel b, summarySourceCol i, displayCol i, visibleCol i, rules l, reverseCol i, recalcWhen i, recalcDeps l",
  _grist_Imports:
    "tableRef i, origFileName t, parseFormula t, delimiter t, doublequote b, escapechar t, quotechar t, skipinitialspace b, encoding t, hasHeaders b",
  _grist_External_database: "host t, port i, username t, dialect t, database t, storage t",
  _grist_External_table: "tableRef i, databaseRef i, tableName t",
  _grist_TableViews: "tableRef i, viewRef i",
  _grist_TabItems: "tableRef i, viewRef i",
  _grist_TabBar: "viewRef i, tabPos p",
  _grist_Pages: "viewRef i, indentation i, pagePos p, shareRef i, options t",
  _grist_Views: "name t, type t, layoutSpec t",
  _grist_Views_section:
    "tableRef i, parentId i, parentKey t, title t, description t, defaultWidth i, borderWidth i, theme t, options t, chartType t, layoutSpec t, filterSpec t, sortColRefs t, linkSrcSectionRef i, linkSrcColRef i, linkTargetColRef i, embedId t, rules l, shareOptions t",
  _grist_Views_section_field: "parentId i, parentPos p, colRef i, width i, widgetOptions t, displayCol i, visibleCol i, filter t, rules l",
  _grist_Validations: "formula t, name t, tableRef i",
  _grist_REPL_Hist: "code t, outputText t, errorText t",
  _grist_Attachments:
    "fileIdent t, fileName t, fileType t, fileSize i, fileExt t, imageHeight i, imageWidth i, timeDeleted d, timeUploaded d",
  _grist_Triggers: "tableRef i, eventTypes l, isReadyColRef i, actions t, label t, memo t, enabled b, watchedColRefList l, options t",
  _grist_ACLRules:
    "resource i, permissions i, principals t, aclFormula t, aclColumn i, aclFormulaParsed t, permissionsText t, rulePos p, userAttributes t, memo t",
  _grist_ACLResources: "tableId t, colIds t",
  _grist_ACLPrincipals: "type t, userEmail t, userName t, groupName t, instanceId t",
  _grist_ACLMemberships: "parent i, child i",
  _grist_Filters: "viewSectionRef i, colRef i, filter t, pinned b",
  _grist_Cells: "tableRef i, colRef i, rowId i, root b, parentId i, type i, content t, userRef t",
  _grist_Shares: "linkId t, options t, label t, description t",
};

const SQL_TYPES: Readonly<Record<string, string>> = {
  i: "INTEGER DEFAULT 0",
  t: "TEXT DEFAULT ''",
  b: "BOOLEAN DEFAULT 0",
  p: "NUMERIC DEFAULT 1e999",
  l: "TEXT DEFAULT NULL",
  d: "DATETIME DEFAULT NULL",
};

const SYSTEM_TABLES = `
CREATE TABLE _gristsys_Files (id INTEGER PRIMARY KEY, ident TEXT UNIQUE, data BLOB, storageId TEXT);
CREATE TABLE _gristsys_ActionHistory (id INTEGER PRIMARY KEY, actionHash TEXT UNIQUE, parentRef INTEGER, actionNum INTEGER, body BLOB);
CREATE TABLE _gristsys_ActionHistoryBranch (id INTEGER PRIMARY KEY, name TEXT UNIQUE, actionRef INTEGER);
CREATE TABLE _gristsys_FileInfo (id INTEGER PRIMARY KEY CHECK (id = 0), docId TEXT DEFAULT '', ownerInstanceId TEXT DEFAULT '');
CREATE TABLE _gristsys_PluginData (id INTEGER PRIMARY KEY, pluginId TEXT NOT NULL, key TEXT NOT NULL, value BLOB DEFAULT '');
CREATE UNIQUE INDEX _gristsys_PluginData_unique_key ON _gristsys_PluginData(pluginId, key);
INSERT INTO _gristsys_FileInfo (id) VALUES (0);
INSERT INTO _gristsys_ActionHistoryBranch (name) VALUES ('shared'), ('local_sent'), ('local_unsent');`;

export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** SQL that makes an empty document. */
export function schemaSql(): string {
  const tables = Object.entries(TABLES).map(([table, columns]) => {
    const list = columns.split(", ").map((column) => {
      const [name = "", type = ""] = column.split(" ");
      return `${quoted(name)} ${SQL_TYPES[type]}`;
    });
    return `CREATE TABLE ${quoted(table)} (id INTEGER PRIMARY KEY, ${list.join(", ")});`;
  });
  const index = "CREATE INDEX _grist_Attachments_fileIdent ON _grist_Attachments(fileIdent);";
  return [...tables, index, SYSTEM_TABLES, `PRAGMA user_version = ${STORAGE_VERSION};`].join("\n");
}

/** SQL type and default of a column of people, by Grist's type. */
export function columnSql(type: string): string {
  const head = type.split(":", 1)[0] ?? "";
  const known: Readonly<Record<string, string>> = {
    Text: "TEXT DEFAULT ''",
    Choice: "TEXT DEFAULT ''",
    ChoiceList: "TEXT DEFAULT NULL",
    RefList: "TEXT DEFAULT NULL",
    Attachments: "TEXT DEFAULT NULL",
    Int: "INTEGER DEFAULT 0",
    Ref: "INTEGER DEFAULT 0",
    Numeric: "NUMERIC DEFAULT 0",
    ManualSortPos: "NUMERIC DEFAULT 1e999",
    Bool: "BOOLEAN DEFAULT 0",
    Date: "DATE DEFAULT NULL",
    DateTime: "DATETIME DEFAULT NULL",
  };
  return known[head] ?? "BLOB DEFAULT NULL";
}

/** What Grist stores where a person has entered nothing. */
export function emptyCell(type: string): string | number | null {
  if (type === "Text" || type === "Choice") return "";
  return /^(Int|Numeric|Bool|Ref:)/u.test(type) ? 0 : null;
}
