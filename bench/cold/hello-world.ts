/** The floor of a cold start: the least that answers the same request from the same row, with the same two libraries. */

import { TableClient } from "@azure/data-tables";
import { app } from "@azure/functions";

const { AzureWebJobsStorage = "", ROW_KEYS = "" } = process.env;

app.http("GetPermission", {
  methods: ["GET"],
  route: "customers/{customerId}/permissions/{product}",
  authLevel: "anonymous",
  async handler() {
    const { partitionKey, rowKey } = JSON.parse(ROW_KEYS);
    const options = { allowInsecureConnection: true };
    const table = TableClient.fromConnectionString(AzureWebJobsStorage, "CustomerPermissions", options);
    const row = await table.getEntity(partitionKey, rowKey);
    return { jsonBody: { found: row.rowKey } };
  },
});
