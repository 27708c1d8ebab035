from data_versioning.cli import main

raise SystemExit(main())
