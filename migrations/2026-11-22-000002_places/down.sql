DROP TABLE settings, object_stores, database_servers, clusters;
