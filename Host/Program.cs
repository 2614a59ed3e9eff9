using BankingEngine.Host.Api;

return await Serve.RunAsync(new(Arguments: args));
