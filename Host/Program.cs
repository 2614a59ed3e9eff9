return await BankingEngine.Host.Cli.Cli.RunAsync(args);
