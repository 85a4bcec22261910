/** `cytoscape/dist/cytoscape.esm.min.mjs`, under the name that the daemon serves it by. */

import cytoscape from 'cytoscape';

export type { Core, ElementDefinition, EventObject, NodeSingular, StylesheetJson } from 'cytoscape';
export default cytoscape;
